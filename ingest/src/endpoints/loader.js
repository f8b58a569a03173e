// Bugle's loader: put it first on a page, and nothing that goes wrong behind it is lost. It keeps errors and calls of
// Sentry.* until the SDK is there, and fetches the SDK when the first error happens, not before.
//
// Sentry.onLoad(callback)   runs the callback once the SDK is there; it may call Sentry.init with options of its own
// Sentry.forceLoad()        fetches the SDK now
// window.sentryOnLoad       a callback as well, for scripts that run before this one
// data-lazy="no"            on the script's tag: fetches the SDK as soon as the page is loaded
(function (window, document, config) {
  "use strict";

  // A page that fails in a loop, while the SDK cannot be fetched, must not fill the memory.
  var MAX_KEPT = 100;
  var CALLS = [
    "addBreadcrumb", "captureEvent", "captureException", "captureMessage", "configureScope", "setContext", "setExtra",
    "setExtras", "setTag", "setTags", "setUser", "showReportDialog", "withScope"
  ];

  var stub = {};
  var sdk = null;
  var kept = [];
  var callbacks = [];
  var initOptions = null;
  var isInitialized = false;
  var isRequested = false;
  var script = document.currentScript;

  function keep(replay) {
    if (config && kept.length < MAX_KEPT) {
      kept.push(replay);
    }
  }

  function request() {
    if (!config || isRequested) {
      return;
    }
    isRequested = true;
    var element = document.createElement("script");
    element.src = config.sdkUrl;
    element.crossOrigin = "anonymous";
    element.async = true;
    element.onload = start;
    element.onerror = stop;
    (document.head || document.documentElement).appendChild(element);
  }

  function onError(event) {
    keep(function () {
      var hint = { mechanism: { type: "onerror", handled: false } };
      if (event.error !== undefined && event.error !== null) {
        sdk.captureException(event.error, hint);
      } else if (event.message) {
        sdk.captureMessage(event.message, "error");
      }
    });
    // An image that is missing is an error event as well, without a message.
    if (event.message || event.error) {
      request();
    }
  }

  function onRejection(event) {
    var reason = "reason" in event ? event.reason : event.detail && event.detail.reason;
    keep(function () {
      sdk.captureException(reason, { mechanism: { type: "onunhandledrejection", handled: false } });
    });
    request();
  }

  function unlisten() {
    window.removeEventListener("error", onError);
    window.removeEventListener("unhandledrejection", onRejection);
  }

  // One callback that fails must not keep the others from running, and its error is the page's own.
  function run(callback) {
    try {
      callback();
    } catch (error) {
      setTimeout(function () { throw error; }, 0);
    }
  }

  // The page's options go before the ones of the project.
  function withInit(init) {
    return function (options) {
      isInitialized = true;
      var merged = { dsn: config.dsn };
      for (var name in options) {
        if (Object.prototype.hasOwnProperty.call(options, name)) {
          merged[name] = options[name];
        }
      }
      return init.call(sdk, merged);
    };
  }

  // The SDK is there: it has put itself in the place of the stub.
  function start() {
    if (!window.Sentry || window.Sentry === stub || !window.Sentry.init) {
      stop();
      return;
    }
    unlisten();
    // Bundlers make the SDK's members read-only: what is changed goes in front of them.
    sdk = Object.create(window.Sentry, {
      init: { value: withInit(window.Sentry.init), writable: true, enumerable: true },
      onLoad: { value: run, writable: true, enumerable: true },
      forceLoad: { value: function () {}, writable: true, enumerable: true }
    });
    window.Sentry = sdk;
    if (typeof window.sentryOnLoad === "function") {
      run(window.sentryOnLoad);
    }
    callbacks.forEach(run);
    if (!isInitialized) {
      run(function () { sdk.init(initOptions || {}); });
    }
    kept.forEach(run);
    callbacks = [];
    kept = [];
  }

  // The SDK cannot be had: the page goes on without it, and nothing is kept in vain.
  function stop() {
    unlisten();
    config = null;
    callbacks = [];
    kept = [];
  }

  CALLS.forEach(function (name) {
    stub[name] = function () {
      var values = arguments;
      if (sdk) {
        return sdk[name].apply(sdk, values);
      }
      keep(function () {
        if (sdk[name]) {
          sdk[name].apply(sdk, values);
        }
      });
      if (name.indexOf("capture") === 0 || name === "showReportDialog") {
        request();
      }
    };
  });
  stub.init = function (options) {
    if (sdk) {
      return sdk.init(options);
    }
    initOptions = options || {};
  };
  stub.onLoad = function (callback) {
    if (sdk) {
      run(callback);
    } else if (config) {
      callbacks.push(callback);
    }
  };
  stub.forceLoad = request;

  if (window.Sentry && window.Sentry.init) {
    // The page brought the SDK itself.
    return;
  }
  window.Sentry = stub;
  if (!config) {
    return;
  }
  window.SENTRY_SDK_SOURCE = "loader";
  window.addEventListener("error", onError);
  window.addEventListener("unhandledrejection", onRejection);
  if (script && script.getAttribute("data-lazy") === "no") {
    if (document.readyState === "complete") {
      request();
    } else {
      window.addEventListener("load", request);
    }
  }
})(window, document, __CONFIG__);
