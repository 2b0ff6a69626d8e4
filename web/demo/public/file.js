// Opened by a double click, as file://…: browsers load neither modules nor models from there, so that the app can't start.
// This script is none, and says so.
if (location.protocol === 'file:') {
  const words = {
    en: [
      'This page needs a server',
      'Browsers don’t run an app like this one from a file. Serve its folder with any static file server, for example by one of these commands in the folder, and open its address there:',
    ],
    ko: [
      '이 페이지에는 서버가 필요합니다',
      '브라우저는 이런 앱을 파일에서 바로 실행하지 않습니다. 이 폴더를 아무 정적 파일 서버로나 여세요. 예를 들어 폴더에서 다음 명령 중 하나를 실행하고, 그 서버의 주소를 여세요.',
    ],
  };
  const commands = ['python3 -m http.server', 'npx serve', 'busybox httpd -f -p 127.0.0.1:8000'];
  document.addEventListener('DOMContentLoaded', () => {
    const language = /^ko\b/i.test(navigator.language) ? 'ko' : 'en';
    const [title, text] = words[language];
    const add = (parent, tag, content) => {
      const element = parent.appendChild(document.createElement(tag));
      element.textContent = content;
      return element;
    };
    document.documentElement.lang = language;
    const main = add(document.body, 'main', '');
    main.id = 'opened-as-file';
    main.className = 'welcome';
    add(main, 'h2', title);
    add(main, 'p', text).className = 'lead';
    for (const command of commands) add(add(main, 'p', ''), 'code', command);
  });
}
