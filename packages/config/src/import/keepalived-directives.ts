// What becomes of each directive of keepalived.conf: the table that the importer answers from where a line's value makes
// no difference, and that docs/from-keepalived.md is written from. The importer itself decides those with `sample`.
import { GLOBAL_DIRECTIVES, NO_MAIL, TOP_DIRECTIVES } from './keepalived-directives-global.ts';
import type { ImportVerdict } from './report.ts';

/** Where a directive stands: in a vrrp_instance (or sync group), a vrrp_script, global_defs, or outside of all blocks. */
export type Place = 'instance' | 'script' | 'global' | 'top';

export interface Directive {
  readonly names: readonly string[];
  readonly verdict: ImportVerdict;
  /** Key of the new file; empty when none. */
  readonly becomes: string;
  /** Why, and what to do instead; ends without a period. */
  readonly why: string;
  /** The importer looks at the value; this is a usual one, for the test of the table. */
  readonly sample?: string;
}

const HOOK = 'write a hook (events.hooks, on: [vrrp-state]) that runs it when TOSPANN_STATE is MASTER';
const SCRIPT = 'write a script (failover.scripts)';
const NO_VMAC =
  'the address moves by gratuitous ARP and keeps the MAC address of its node; where a switch or firewall pins the MAC address, let it learn from ARP';
const GARP =
  'gratuitous ARP and neighbour advertisements have a fixed rhythm: at once, after 10, 50 and 200 ms, 1 and 3 s, then every minute, and again whenever another owner was heard';

/** In a vrrp_instance, and in a vrrp_sync_group where keepalived allows it there. */
export const INSTANCE_DIRECTIVES: readonly Directive[] = [
  {
    names: ['interface'],
    verdict: 'taken',
    becomes: 'cluster.nodes.*.interface',
    why: 'the interface of the node, over which all adverts go; an instance on another one has it as the interface of its VIPs',
    sample: 'interface eth0',
  },
  {
    names: ['virtual_router_id'],
    verdict: 'taken',
    becomes: 'vips.*.routerId',
    why: 'of the VIPs that its adverts list; the same number on two interfaces must be changed, as one interface carries all adverts',
    sample: 'virtual_router_id 51',
  },
  {
    names: ['state'],
    verdict: 'changed',
    becomes: 'vips.*.preferred',
    why: 'adverts decide who owns the address; this was only the state at the start',
    sample: 'state MASTER',
  },
  {
    names: ['priority'],
    verdict: 'changed',
    becomes: 'vips.*.preferred',
    why: 'the node with the higher one is preferred (150 against 100), unless it has nopreempt; 255 is a preferred node too, which unlike an owner listens first',
    sample: 'priority 150',
  },
  {
    names: ['advert_int'],
    verdict: 'taken',
    becomes: 'vips.*.advertInterval',
    why: 'fractions of a second too, in steps of 10 ms; above 40.95 s only version 2 can say it',
    sample: 'advert_int 0.5',
  },
  {
    names: ['down_timer_adverts'],
    verdict: 'taken',
    becomes: 'vips.*.missedAdverts',
    why: 'from 2 on; 1 is raised to 2, because a single lost advert must not move an address',
    sample: 'down_timer_adverts 5',
  },
  {
    names: ['version'],
    verdict: 'taken',
    becomes: 'vips.*.version',
    why: 'without it (and vrrp_version) keepalived speaks version 2; then version 3 is written, which both nodes of the new pair speak',
    sample: 'version 2',
  },
  {
    names: ['nopreempt'],
    verdict: 'taken',
    becomes: 'vips.*.preferred',
    why: 'on the node with the higher priority: no node is preferred, whoever has the address keeps it',
    sample: 'nopreempt',
  },
  {
    names: ['preempt_delay'],
    verdict: 'taken',
    becomes: 'vips.*.preemptDelay',
    why: 'of the preferred node; without it three take-over times, where keepalived has none',
    sample: 'preempt_delay 30',
  },
  {
    names: ['unicast_src_ip', 'mcast_src_ip'],
    verdict: 'taken',
    becomes: 'cluster.nodes.*.address',
    why: 'the address of the node, IPv6 as address6; of an instance on another interface it is left out',
    sample: 'unicast_src_ip 10.10.0.11',
  },
  {
    names: ['unicast_peer'],
    verdict: 'taken',
    becomes: 'vips.*.transport',
    why: 'its one address is that of the other node; TTL limits are left out (unicast adverts must come from the peer)',
    sample: 'unicast_peer { 10.10.0.12 }',
  },
  {
    names: ['virtual_ipaddress'],
    verdict: 'taken',
    becomes: 'vips',
    why: 'each address is a VIP with the routerId, all of them one election (groups); dev is its interface, label, scope and brd are left out: it is always added as /32 or /128',
    sample: 'virtual_ipaddress { 10.10.0.201/24 }',
  },
  {
    names: ['virtual_ipaddress_excluded'],
    verdict: 'taken',
    becomes: 'vips',
    why: 'each address is a VIP of the election without a routerId: no advert lists it',
    sample: 'virtual_ipaddress_excluded { 10.10.0.202/24 }',
  },
  {
    names: ['authentication'],
    verdict: 'refused',
    becomes: 'vips.*.auth',
    why: 'without a version in writing, version 3 is written, which has no passwords; PASS with version 2 in writing is taken with its password; AH is never sent: auth: cluster signs adverts; auth_hmac becomes auth: cluster, the same signatures',
    sample: 'authentication { auth_type PASS }',
  },
  {
    names: ['track_script'],
    verdict: 'changed',
    becomes: 'failover.scripts',
    why: 'built in for haproxy, else see vrrp_script; every election of the node follows every check',
    sample: 'track_script { chk }',
  },
  {
    names: ['track_interface'],
    verdict: 'changed',
    becomes: 'failover.scripts',
    why: 'the interfaces of the node and of its VIPs are always watched; for another one a script is written that asks for its state',
    sample: 'track_interface { eth7 }',
  },
  {
    names: ['notify', 'notify_master', 'notify_backup', 'notify_fault', 'notify_stop'],
    verdict: 'changed',
    becomes: 'events.hooks',
    why: 'a hook that runs it at the states that it was for, with the same arguments, one call at a time, for a minute at most',
    sample: 'notify_master /usr/local/bin/became-master',
  },
  {
    names: ['notify_deleted'],
    verdict: 'refused',
    becomes: '',
    why: 'a VIP that is removed from the file is given up like at a stop, which a hook hears as INIT',
  },
  {
    names: ['notify_master_rx_lower_pri'],
    verdict: 'refused',
    becomes: '',
    why: 'not needed for an address of the network, which is announced again by itself; for that of a provider use announce: { hook: ... }, which is retried until it works',
  },
  {
    names: ['notify_priority_changes'],
    verdict: 'refused',
    becomes: '',
    why: 'priorities do not change with the weights of checks; what changes is the condition, told as events of kind track',
  },
  { names: ['smtp_alert'], verdict: 'refused', becomes: '', why: NO_MAIL },
  {
    names: ['preempt'],
    verdict: 'not-needed',
    becomes: '',
    why: 'the preferred node takes the address back',
  },
  {
    names: ['accept'],
    verdict: 'not-needed',
    becomes: '',
    why: 'packets to the address are always accepted',
  },
  {
    names: ['no_accept'],
    verdict: 'refused',
    becomes: '',
    why: 'packets to the address are always accepted: it is what the pair serves; a firewall rule can drop what it shall not answer',
  },
  {
    names: ['dont_track_primary'],
    verdict: 'refused',
    becomes: '',
    why: 'an interface that is down always gives up the address: nobody could reach it there',
  },
  {
    names: ['track_file'],
    verdict: 'refused',
    becomes: '',
    why: `there are no weights that a file could hold; ${SCRIPT}, for instance run: [/usr/bin/grep, -qx, "0", /run/my-state]`,
  },
  {
    names: ['track_process'],
    verdict: 'refused',
    becomes: '',
    why: `a process that exists says nothing about requests; the node probes itself instead, and for another service ${SCRIPT} that asks it something`,
  },
  {
    names: ['track_bfd'],
    verdict: 'refused',
    becomes: '',
    why: 'no BFD is spoken: advertInterval from 10ms finds a dead peer as fast, failover.gateway asks the router',
  },
  {
    names: ['track_src_ip'],
    verdict: 'refused',
    becomes: '',
    why: 'the address of the node is not watched by itself: failover.gateway notices a node that has lost it, as the gateway no longer answers it',
  },
  { names: ['use_vmac', 'use_vmac_addr', 'use_ipvlan'], verdict: 'refused', becomes: '', why: NO_VMAC },
  { names: ['vmac_xmit_base'], verdict: 'refused', becomes: '', why: 'there is no virtual MAC address' },
  { names: ['native_ipv6'], verdict: 'not-needed', becomes: '', why: 'the addresses say which family it is' },
  {
    names: ['vrf'],
    verdict: 'refused',
    becomes: '',
    why: 'a VRF is not chosen: give the interface in it as cluster.nodes.*.interface',
  },
  {
    names: ['mcast_dst_ip'],
    verdict: 'refused',
    becomes: '',
    why: 'multicast adverts go to 224.0.0.18 and ff02::12; unicast needs no group',
  },
  {
    names: ['virtual_routes'],
    verdict: 'refused',
    becomes: '',
    why: `routes are not moved: ${HOOK} (ip route replace ...)`,
  },
  {
    names: ['virtual_rules'],
    verdict: 'refused',
    becomes: '',
    why: `routing rules are not moved: ${HOOK} (ip rule add ...)`,
  },
  {
    names: [
      'garp_master_delay',
      'garp_master_repeat',
      'garp_master_refresh',
      'garp_master_refresh_repeat',
      'garp_lower_prio_delay',
      'garp_lower_prio_repeat',
    ],
    verdict: 'not-needed',
    becomes: '',
    why: GARP,
  },
  {
    names: ['garp_extra_if'],
    verdict: 'not-needed',
    becomes: '',
    why: 'each VIP is announced on its own interface every minute',
  },
  {
    names: ['lower_prio_no_advert', 'higher_prio_send_advert'],
    verdict: 'not-needed',
    becomes: '',
    why: 'two owners settle it by fixed rules: the lower one yields, and the other announces the address anew',
  },
  {
    names: ['strict_mode'],
    verdict: 'refused',
    becomes: '',
    why: 'there is no strict mode: what the chosen version of VRRP cannot do is an error of "tospann validate"',
  },
  {
    names: ['skip_check_adv_addr'],
    verdict: 'not-needed',
    becomes: '',
    why: 'the addresses in each advert are compared, and a difference is an alarm',
  },
  {
    names: ['check_unicast_src', 'unicast_fault_no_peer'],
    verdict: 'not-needed',
    becomes: '',
    why: 'unicast adverts count only from the address of the other node',
  },
  {
    names: ['unicast_ttl'],
    verdict: 'refused',
    becomes: '',
    why: 'adverts leave with TTL 255 and must arrive with it: the nodes share a network',
  },
  {
    names: ['old_unicast_checksum'],
    verdict: 'changed',
    becomes: 'vips.*.checksum',
    why: 'both dialects are understood and that of the peer is sent; checksum fixes one of them',
  },
  {
    names: ['promote_secondaries'],
    verdict: 'not-needed',
    becomes: '',
    why: 'VIPs are added as /32 and /128, so none depends on another',
  },
  {
    names: ['linkbeat_use_polling'],
    verdict: 'not-needed',
    becomes: '',
    why: 'the kernel tells when a link goes down',
  },
  {
    names: ['kernel_rx_buf_size'],
    verdict: 'not-needed',
    becomes: '',
    why: 'a filter in the kernel keeps foreign packets out of the buffer',
  },
  {
    names: ['lvs_sync_daemon_interface', 'lvs_sync_daemon_inteface'],
    verdict: 'refused',
    becomes: '',
    why: 'there is no LVS here: connections end at the proxy',
  },
  { names: ['debug'], verdict: 'not-needed', becomes: '', why: 'every change of state is logged' },
  {
    names: ['global_tracking', 'sync_group_tracking_weight'],
    verdict: 'not-needed',
    becomes: '',
    why: 'checks hold for the whole node, and there are no weights',
  },
];

/** In a vrrp_script. */
export const SCRIPT_DIRECTIVES: readonly Directive[] = [
  {
    names: ['script'],
    verdict: 'taken',
    becomes: 'failover.scripts.*.run',
    why: 'a list without a shell (with /bin/sh -c where the line has pipes and the like); what asks for haproxy is refused: haproxy no longer runs, and each node sends a real request through its own listener',
    sample: 'script "/usr/local/bin/check-disk /var"',
  },
  {
    names: ['interval', 'timeout', 'rise', 'fall'],
    verdict: 'taken',
    becomes: 'failover.scripts.*',
    why: "with keepalived's defaults where they are absent: 1 s, as long as the interval, 1 and 1",
    sample: 'interval 5',
  },
  {
    names: ['weight'],
    verdict: 'refused',
    becomes: '',
    why: 'there are no weights: a node whose check fails gives way to one that is better off; the report works out whether the old weight would have moved the address',
    sample: 'weight 2',
  },
  {
    names: ['user'],
    verdict: 'taken',
    becomes: 'failover.scripts.*.user',
    why: 'without its group; without the line it is script_user, else the user of the proxy',
    sample: 'user nobody',
  },
  {
    names: ['init_fail'],
    verdict: 'not-needed',
    becomes: '',
    why: 'a node owns nothing before its own listeners have answered; a check that has no answer yet moves nothing',
  },
];

export const DIRECTIVES: Readonly<Record<Place, readonly Directive[]>> = {
  top: TOP_DIRECTIVES,
  global: GLOBAL_DIRECTIVES,
  instance: INSTANCE_DIRECTIVES,
  script: SCRIPT_DIRECTIVES,
};

/** What the table says of a directive; undefined for a word that it does not have. */
export function directiveOf(place: Place, name: string): Directive | undefined {
  return DIRECTIVES[place].find(({ names }) => names.some((known) => matches(known, name)));
}

// `lvs_*` stands for all that begin so.
function matches(known: string, name: string): boolean {
  return known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : known === name;
}
