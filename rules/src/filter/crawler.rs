//! What crawlers cause.

use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Facts;

/// The crawlers of Sentry's list. Inside of an address (`com.facebook.katana`, which is the app that people use)
/// the word `facebook` says nothing.
static CRAWLER: LazyLock<Regex> = LazyLock::new(|| {
    let names = [
        "Mediapartners-Google",
        "AdsBot-Google",
        "Googlebot",
        "FeedFetcher-Google",
        "Storebot-Google",
        "BingBot",
        "BingPreview",
        "Baiduspider",
        "Slurp",
        "Sogou",
        r"(?:^|[^.\w])facebook",
        "meta-",
        "ia_archiver",
        r"bots?(?:[/\s);]|$)",
        r"spider(?:[/\s);]|$)",
        "Slack",
        "Calypso AppCrawler",
        "pingdom",
        "lyticsbot",
        "AWS Security Scanner",
        "HubSpot Crawler",
        "Bytespider",
        "Better Uptime",
        "Cloudflare-Healthchecks",
        "GTmetrix",
        "BrightEdgeOnCrawl",
        "ELB-HealthChecker",
        r"naver\.me/spd",
        "ClaudeBot",
        "CCBot",
        "OAI-SearchBot",
        "GPTBot",
        "PerplexityBot",
        "Applebot",
        "DuckDuckBot",
    ];
    Regex::new(&format!("(?i){}", names.join("|"))).expect("the patterns are valid")
});

/// Programs with such names that are wanted, and phones of the make Cubot.
static WANTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)Slackbot\s1\.\d+|SentryUptimeBot|ChatGPT-User|\bCUBOT[ _]")
        .expect("the pattern is valid")
});

/// Whether the request came from a crawler: by its `User-Agent`, else by the browser that normalising found.
pub(super) fn is_crawler(facts: &Facts<'_>) -> bool {
    let family = || {
        let browser = facts.event.get("contexts")?.get("browser")?;
        browser.get_str("name")
    };
    let agent = facts.header("User-Agent").or_else(family);
    agent.is_some_and(is_crawler_name)
}

fn is_crawler_name(agent: &str) -> bool {
    CRAWLER.is_match(agent) && !WANTED.is_match(agent)
}

#[cfg(test)]
mod tests {
    use super::is_crawler_name;

    #[test]
    fn crawlers_are_told_from_people() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mediapartners-Google",
            "Mozilla/5.0 (compatible; BINGBOT/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "meta-externalagent/1.1",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "some bot",
            "a bots)",
            "my-spider",
            "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
            "Better Uptime Bot Mozilla/5.0",
            "ELB-HealthChecker/2.0",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
            "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
            "CCBot/2.0 (https://commoncrawl.org/faq/)",
        ] {
            assert!(is_crawler_name(agent), "{agent}");
        }
        for agent in [
            "",
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone) AppleWebKit/605 [FBAN/FBIOS;FBBV/1;FBID/com.facebook.Facebook]",
            "Slackbot 1.0 (+https://api.slack.com/robots)",
            "SentryUptimeBot/1.0",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0)",
            "curl/8.5",
            "python-requests/2.32",
            "robotics-client/1.0",
            "spiderman",
            "bottle/0.13",
        ] {
            assert!(!is_crawler_name(agent), "{agent}");
        }
    }
}
