// The schema of the configuration file: the one place that knows how it is written. What it means is model.ts;
// rules between fields are in lint.ts.
import { z } from 'zod';
import { field, mapping } from './schema/fields.ts';
import { adminSchema, clusterSchema } from './schema/cluster.ts';
import { eventsSchema, failoverSchema, tunerSchema } from './schema/failover.ts';
import { groupsSchema, vipsSchema } from './schema/vips.ts';
import { backendsSchema } from './schema/backends.ts';
import { frontendsSchema, mapsSchema } from './schema/frontends.ts';
import { httpSchema, logSchema, proxySchema, timeoutsSchema } from './schema/settings.ts';

export const configSchema = mapping(
  {
    version: field(z.literal(1, { error: '1' }), {
      is: 'The version of this format',
      range: '1',
      default: 'required',
      change: 'It changes only when an upgrade says so',
      example: 'version: 1',
    }),
    cluster: clusterSchema,
    vips: vipsSchema,
    groups: groupsSchema,
    failover: failoverSchema,
    events: eventsSchema,
    tuner: tunerSchema,
    frontends: frontendsSchema,
    backends: backendsSchema,
    timeouts: timeoutsSchema,
    http: httpSchema,
    maps: mapsSchema,
    log: logSchema,
    admin: adminSchema,
    proxy: proxySchema,
  },
  'One file, the same on both nodes.',
);

/** The file after defaults, still in the file's shape; build.ts makes the model from it. */
export type ConfigFile = z.output<typeof configSchema>;
