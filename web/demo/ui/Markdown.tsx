/**
 * Markdown as elements. What the model writes never becomes markup of its own: marked's tokens are
 * turned into the elements below and no others, HTML is shown as the text it is, links go to the
 * web alone, and images stay links.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { Component, type ComponentChild, Fragment, type JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { useApp } from '../app.js';
import { closeOpenMarks, decodeReferences, safeAddress } from '../markdown.js';
import { useWords } from '../words/index.js';
import { Icon } from './icons.js';

/** The messages' own headings are h3. */
const HEADINGS = ['h4', 'h5', 'h6'] as const;

export function Markdown({
  text,
  unfinished = false,
}: {
  text: string;
  unfinished?: boolean;
}): JSX.Element {
  const blocks = useMemo(() => {
    const source = unfinished ? closeOpenMarks(text) : text;
    return Lexer.lex(source, { gfm: true, breaks: true }).filter(
      ({ type }) => type !== 'space' && type !== 'def',
    );
  }, [text, unfinished]);
  return (
    <>
      {blocks.map((token, i) => (
        <Block key={i} token={token} />
      ))}
    </>
  );
}

/**
 * Drawn again only when its own source has changed: while an answer grows, that is the last one.
 */
class Block extends Component<{ token: Token }> {
  override shouldComponentUpdate({ token }: { token: Token }): boolean {
    return token.raw !== this.props.token.raw || token.type !== this.props.token.type;
  }

  override render(): ComponentChild {
    return drawBlock(this.props.token);
  }
}

function drawBlock(given: Token): ComponentChild {
  const token = given as MarkedToken; // there are no extensions that would make others
  switch (token.type) {
    case 'heading': {
      const Heading = HEADINGS[Math.min(token.depth, HEADINGS.length) - 1]!;
      return <Heading>{drawAll(token.tokens)}</Heading>;
    }
    case 'paragraph':
      return <p>{drawAll(token.tokens)}</p>;
    case 'blockquote':
      return <blockquote>{drawBlocks(token.tokens)}</blockquote>;
    case 'code':
      return <Code code={token.text} language={token.lang ?? ''} />;
    case 'hr':
      return <hr />;
    case 'list':
      return <List list={token} />;
    case 'table':
      return <Table table={token} />;
    case 'html':
      return <p>{token.text}</p>;
    default:
      return drawInline(token);
  }
}

function drawBlocks(tokens: Token[] = []): ComponentChild {
  return tokens.map((token, i) => <Fragment key={i}>{drawBlock(token)}</Fragment>);
}

function List({ list }: { list: Tokens.List }): JSX.Element {
  const items = list.items.map((item, i) => <li key={i}>{drawBlocks(item.tokens)}</li>);
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }): JSX.Element {
  const cells = (row: Tokens.TableCell[], Cell: 'th' | 'td') =>
    row.map(({ tokens, align }, i) => (
      <Cell key={i} class={align ? `align-${align}` : undefined}>
        {drawAll(tokens)}
      </Cell>
    ));
  return (
    <div class="table" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>{cells(table.header, 'th')}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, i) => (
            <tr key={i}>{cells(row, 'td')}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Code({ code, language }: { code: string; language: string }): JSX.Element {
  const app = useApp();
  const words = useWords();
  return (
    <div class="code">
      <div class="code-head">
        <span>{language}</span>
        <button type="button" class="quiet small" onClick={() => app.copy(code)}>
          <Icon name="copy" />
          {words.copyCode}
        </button>
      </div>
      <pre tabIndex={0} dir="ltr">
        <code>{code}</code>
      </pre>
    </div>
  );
}

function drawAll(tokens: Token[] = []): ComponentChild {
  return tokens.map((token, i) => <Fragment key={i}>{drawInline(token)}</Fragment>);
}

function drawInline(given: Token): ComponentChild {
  const token = given as MarkedToken;
  switch (token.type) {
    case 'strong':
      return <strong>{drawAll(token.tokens)}</strong>;
    case 'em':
      return <em>{drawAll(token.tokens)}</em>;
    case 'del':
      return <del>{drawAll(token.tokens)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return <Link href={token.href}>{drawAll(token.tokens)}</Link>;
    case 'image':
      return <Image href={token.href} alt={token.text} />;
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ ';
    case 'html':
      return token.raw;
    case 'text':
      return token.tokens ? drawAll(token.tokens) : decodeReferences(token.text);
    default:
      return 'text' in token ? token.text : token.raw;
  }
}

function Link({ href, children }: { href: string; children: ComponentChild }): JSX.Element {
  const address = safeAddress(href);
  if (!address) return <>{children}</>;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Fetching it would tell its host that this page is open. */
function Image({ href, alt }: { href: string; alt: string }): JSX.Element {
  return <Link href={href}>{useWords().image(alt)}</Link>;
}
