import { expect, test } from 'vitest';
import { EXAMPLE_CONFIG, parseConfig, selectNode } from './index.ts';

const parsed = parseConfig(EXAMPLE_CONFIG, { file: 'tospann.yaml' });
if (!parsed.ok) throw new Error('the example must be valid');
const { config } = parsed;
const nowhere = { hostname: 'laptop', localAddresses: ['127.0.0.1'] };

test('selectNode() takes the node that --node names, whatever the machine is called', () => {
  expect(selectNode(config, { name: 'lb2', hostname: 'lb1', localAddresses: ['10.10.0.11'] }).name).toBe('lb2');
});

test.each(['lb2', 'lb2.example.net'])(
  'selectNode() takes the node with the host name %s before the addresses',
  (hostname) => {
    expect(selectNode(config, { hostname, localAddresses: ['10.10.0.11'] }).name).toBe('lb2');
  },
);

test('selectNode() takes the node whose address the machine has', () => {
  expect(selectNode(config, { ...nowhere, localAddresses: ['127.0.0.1', '10.10.0.12'] }).name).toBe('lb2');
});

test('selectNode() throws LB_CONFIG_NODE_UNKNOWN when --node names none', () => {
  expect(() => selectNode(config, { ...nowhere, name: 'lb9' })).toThrow(
    'Cannot run as node "lb9": the configuration has only "lb1", "lb2"',
  );
});

test('selectNode() throws LB_CONFIG_NODE_NOT_FOUND when nothing fits', () => {
  expect(() => selectNode(config, nowhere)).toThrow(expect.objectContaining({ code: 'LB_CONFIG_NODE_NOT_FOUND' }));
});
