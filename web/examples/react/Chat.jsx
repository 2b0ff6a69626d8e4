import { useEffect, useRef, useState } from 'react';
import { useModel } from './use-model.js';

export function Chat({ url }) {
  const { model, progress, error } = useModel(url);
  const [messages, setMessages] = useState([]);
  const [answer, setAnswer] = useState();
  const [problem, setProblem] = useState('');
  const answering = useRef();
  useEffect(() => () => answering.current?.abort(), []);

  async function ask(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const asked = [...messages, { role: 'user', content: new FormData(form).get('question') }];
    const controller = (answering.current = new AbortController());
    setMessages(asked);
    setAnswer('');
    setProblem('');
    form.reset();
    let text = '';
    try {
      for await (const piece of model.chat(asked, {
        temperature: 0.3,
        maxTokens: 200,
        signal: controller.signal,
      })) {
        text += piece;
        setAnswer(text);
      }
    } catch (thrown) {
      if (!controller.signal.aborted) setProblem(`${thrown.code}: ${thrown.message}`);
    }
    setMessages([...asked, { role: 'assistant', content: text }]);
    setAnswer(undefined);
  }

  if (error) return <p role="alert">{`${error.code}: ${error.message}`}</p>;
  if (!model) return <progress value={progress} aria-label="Loading" />;
  return (
    <main>
      <ol>
        {messages.map(({ role, content }, i) => (
          <li key={i} className={role}>
            {content}
          </li>
        ))}
      </ol>
      {answer !== undefined && <p role="status">{answer}</p>}
      {problem && <p role="alert">{problem}</p>}
      <form onSubmit={ask}>
        <input name="question" aria-label="Question" required />
        <button disabled={answer !== undefined}>Ask</button>
        <button type="button" onClick={() => answering.current?.abort()}>
          Stop
        </button>
      </form>
    </main>
  );
}
