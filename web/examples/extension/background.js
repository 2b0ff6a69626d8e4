/* global chrome */
// The engine runs in the panel: service workers can make no workers, and are ended when they seem
// idle.
chrome.runtime.onInstalled.addListener(() =>
  chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: true }),
);
