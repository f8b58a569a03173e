"""The web API under /api/0/ as scripts use it, and the waits built on it."""

from typing import Any

import requests

from harness.waiting import eventually

ORGANIZATION = "default"
PROJECT = "default"


class Api:
    """Calls with a bearer token; everything but 2xx is a failure."""

    def __init__(self, base_url: str, token: str):
        self.root = f"{base_url}/api/0"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET below /api/0."""
        return self._json(self.session.get(self.root + path, params=query, timeout=10))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer to a PUT below /api/0."""
        return self._json(self.session.put(self.root + path, json=body, timeout=10))

    def find(self, path: str) -> Any | None:
        """The JSON of a GET below /api/0, or None for a 404."""
        answer = self.session.get(self.root + path, timeout=10)
        return None if answer.status_code == 404 else self._json(answer)

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def issues(self, query: str = "", project: str = PROJECT) -> list[dict[str, Any]]:
        """The newest hundred issues of a project that match `query`, whatever their status."""
        return self.get(f"/projects/{ORGANIZATION}/{project}/issues/", query=query, per_page=100)

    def latest_event(self, issue: dict[str, Any]) -> dict[str, Any]:
        """The newest event of an issue, in full."""
        return self.get(f"/organizations/{ORGANIZATION}/issues/{issue['id']}/events/latest/")

    def event(self, event_id: str, project: str = PROJECT) -> dict[str, Any] | None:
        """One event in full, or None while it is not stored."""
        return self.find(f"/projects/{ORGANIZATION}/{project}/events/{event_id}/")

    def wait_for_issue(self, title: str, count: int = 1, project: str = PROJECT) -> dict[str, Any]:
        """The one issue whose title starts with `title`, as soon as it has `count` events."""

        def look() -> dict[str, Any] | None:
            issues = [issue for issue in self.issues(project=project) if issue["title"].startswith(title)]
            assert len(issues) <= 1, f"{title!r} became {len(issues)} issues"
            return issues[0] if issues and int(issues[0]["count"]) >= count else None

        return eventually(look, f"{count} events of the issue {title!r}")

    def wait_for_event(self, event_id: str, project: str = PROJECT) -> dict[str, Any]:
        """One event in full, as soon as it is stored."""
        return eventually(lambda: self.event(event_id, project), f"event {event_id}")


def entry(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """The data of an event's entry of one kind, such as `exception` or `request`."""
    found = [item["data"] for item in event["entries"] if item["type"] == kind]
    assert len(found) == 1, f"{len(found)} entries {kind!r} among {[item['type'] for item in event['entries']]}"
    return found[0]


def tags(event: dict[str, Any]) -> dict[str, str]:
    """The tags of an event as a dictionary."""
    return {tag["key"]: tag["value"] for tag in event["tags"]}


def outcomes(api: Api, project: int = 1) -> dict[tuple[str, str, str], int]:
    """What became of a project's items in the last day: quantities by category, outcome and reason."""
    query = {"field": "sum(quantity)", "groupBy": ["category", "outcome", "reason"], "statsPeriod": "24h", "project": project}
    groups = api.get(f"/organizations/{ORGANIZATION}/stats_v2/", **query)["groups"]
    return {
        (group["by"]["category"], group["by"]["outcome"], group["by"]["reason"]): group["totals"]["sum(quantity)"]
        for group in groups
    }
