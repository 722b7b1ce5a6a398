// The part of the npm package http-proxy 1.18 that the benchmark uses; the package has no types of its own.
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http';

  export interface ProxyServer {
    web(request: IncomingMessage, response: ServerResponse, options: { readonly target: string }): void;
    on(
      event: 'proxyRes',
      listener: (answer: IncomingMessage, request: IncomingMessage, response: ServerResponse) => void,
    ): void;
    on(event: 'error', listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void): void;
  }
  const httpProxy: { createProxyServer(options: { readonly xfwd: boolean; readonly agent: Agent }): ProxyServer };
  // oxlint-disable-next-line import/no-default-export -- the package is CommonJS: this is its module.exports
  export default httpProxy;
}
