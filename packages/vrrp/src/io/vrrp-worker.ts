// Entry of the agent's loop thread: ties the loop to the thread's port and runs it to its end. It never returns to
// the event loop before; commands wait in the port until the eventfd wakes the loop. No import.meta, no top-level await:
// it is bundled as text.
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { AgentLoop } from './agent-loop.ts';
import type { LoopCommand, LoopData, LoopMessage } from './messages.ts';
import { plainError } from './plain-error.ts';

function main(port: MessagePort, data: LoopData): void {
  const send = (message: LoopMessage): void => port.postMessage(message);
  // Both ends are ours: what comes here was sent as a LoopCommand by vrrp-service.ts.
  const take = (): LoopCommand | undefined => receiveMessageOnPort(port)?.message as LoopCommand | undefined;
  try {
    new AgentLoop(data, { send, take }).run();
  } catch (error) {
    send({ type: 'failed', error: plainError(error) });
  }
}

if (parentPort !== null) main(parentPort, workerData as LoopData);
