import { describe, expect, it } from 'vitest';
import { afterAgentLine, AgentConversation, initialAgent, type AgentState } from './agent.ts';

const after = (...lines: string[]): AgentState => lines.reduce(afterAgentLine, initialAgent);

describe('afterAgentLine()', () => {
  it.each<[string, Partial<AgentState>]>([
    ['75%', { percent: 75 }],
    ['  0%\r', { percent: 0 }],
    ['99999%', { percent: 10_000 }],
    ['drain', { admin: 'drain' }],
    ['MAINT', { admin: 'maint' }],
    ['maxconn:30', { maxConnections: 30 }],
    ['up 50% maxconn:7, ready', { percent: 50, maxConnections: 7, admin: 'ready', down: false }],
    ['down', { down: true }],
    ['stopped # for the night', { down: true }],
    ['fail #up 10%', { down: true, percent: 100 }],
    ['', {}],
    ['nonsense 200 50 % maxconn: weight:3', {}],
  ])('%j', (line, expected) => {
    expect(after(line)).toEqual({ ...initialAgent, ...expected, lastWords: line.trim() });
  });

  it('keeps what a line does not mention', () => {
    expect(after('30% drain', 'maxconn:5')).toMatchObject({ percent: 30, admin: 'drain', maxConnections: 5 });
    expect(after('drain', 'ready')).toMatchObject({ admin: 'ready' });
  });

  it('comes back from down by up only', () => {
    expect(after('down', '100% ready').down).toBe(true);
    expect(after('down', 'up').down).toBe(false);
  });
});

describe('AgentConversation', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it('sends what is configured, and reads one line in any pieces', () => {
    const talk = new AgentConversation('web1\n');
    expect(talk.connected()).toEqual({ send: 'web1\n' });
    expect(talk.received(bytes('75'))).toEqual({});
    expect(talk.received(bytes('% up\nmore'))).toEqual({ found: { line: '75% up' } });
    expect(new AgentConversation(undefined).connected()).toEqual({});
  });

  it('takes a line that the end of the connection ends, and says when there is none', () => {
    const talk = new AgentConversation(undefined);
    talk.received(bytes('drain'));
    expect(talk.ended()).toEqual({ line: 'drain' });
    expect(new AgentConversation(undefined).ended()).toEqual({ fault: 'closed without a word' });
    expect(new AgentConversation(undefined).received(bytes('x'.repeat(3000)))).toEqual({
      found: { fault: 'a line that does not end' },
    });
  });
});
