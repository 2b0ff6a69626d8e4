// Before the first paint: the visitor's own choice of light or dark, if they made one.
try {
  const { theme } = JSON.parse(localStorage.getItem('inkling.settings') ?? '{}');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // No storage here, or something else in it: the system's theme it is.
}
