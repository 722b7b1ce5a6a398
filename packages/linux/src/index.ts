// @tospann/linux: typed Linux for the product: sockets, io_uring, netlink, raw and packet sockets, scheduling,
// systemd. Everything native is inside this package; errors are TospannErrors with the errno's name.
export { decodeArp, encodeArp, encodeGratuitousArp, encodePacketAddress, type ArpPacket } from './core/arp.ts';
export { finishSum, pseudoSum6, sumWords } from './core/checksum.ts';
export { decodeCpuTimes, stealRatio, type CpuTimes } from './core/cpu-times.ts';
export { formatIp, parseIp } from './core/ip-text.ts';
export {
  decodeNeighbourAdvertisement,
  encodeNeighbourAdvertisement,
  ETHERTYPE_IPV6,
  type NeighbourAdvertisement,
} from './core/ndp.ts';
export { AddressFlag, type AddressRecord, type AddressRequest, type LinkRecord } from './core/netlink-address.ts';
export { type ConntrackEntry } from './core/netlink-conntrack.ts';
export { routerIdFilter, type FilterLayer } from './core/socket-filter.ts';
export { type DefaultRoute } from './core/netlink-route.ts';
export { AF_INET, AF_INET6, decodeSockaddr, encodeSockaddr, type SocketAddress } from './core/sockaddr.ts';
export { AddressControl, AddressMonitor, type AddressEvent } from './io/addresses.ts';
export { monotonicMs } from './io/clock.ts';
export { BrotliCompressor, CompressStep, GzipCompressor, type StreamCompressor } from './io/compression.ts';
export { confineProcess } from './io/confine.ts';
export { sampleConntrack } from './io/conntrack.ts';
export { readCpuTimes } from './io/cpu-times.ts';
export { drainEventFd, openEventFd, signalEventFd } from './io/eventfd.ts';
export { makeFifo } from './io/fifo.ts';
export { CancelFlag, CompletionFlag, EntryFlag, IoPriority, RingOp } from './io/io-uring-layout.ts';
export { probeIoUring, type IoUringProbe } from './io/io-uring-probe.ts';
export { BufferRing, IoUring, registerRing, type CompletionHandler, type IoUringOptions } from './io/io-uring.ts';
export { tryLockFile } from './io/file-lock.ts';
export { errnoName, ErrorNumber } from './io/kernel-error.ts';
export { dropPages, mapMemory, type MappedMemory } from './io/memory.ts';
export { Output } from './io/output.ts';
export { openArpReceiver, openFrameReceiver, openPacketSender } from './io/packet-socket.ts';
export { AdvertisementReceiver, type SeenAdvertisement } from './io/neighbour-watch.ts';
export { countRules, openRulesMonitor, type RulesMonitor } from './io/nftables.ts';
export { NeighbourTable } from './io/neighbours.ts';
export { NeighbourQuestion, type NeighbourAnswer, type OnLink } from './io/neighbour-question.ts';
export { closeFdChannel, openFdChannel, receiveFd, sendFd } from './io/pass-fds.ts';
export { hasSomethingToRead, Poller } from './io/poll.ts';
export {
  keepOnExec,
  makeMemoryFile,
  readMemoryFile,
  reapChild,
  replaceProgram,
  type NextProgram,
} from './io/processes.ts';
export { allowHolder, holdSignals, releaseSignals, unblockSignal, type HoldOptions } from './io/signals.ts';
export { dropPrivileges, findUser, type SystemUser } from './io/privileges.ts';
export { receivePacket6 } from './io/raw-packet6.ts';
export {
  attachFilter,
  encodeDestination,
  openRawReceiver,
  openRawSender,
  receivePacket,
  sendPacket,
  type RawReceiverOptions,
  type RawSocketOptions,
} from './io/raw-socket.ts';
export { createFile, replaceFile, syncDirectory, type ReplaceFileOptions } from './io/replace-file.ts';
export { defaultRoute } from './io/routes.ts';
export { afterRunning } from './io/running-time.ts';
export { raiseThread, signalOnParentDeath, type Scheduling } from './io/scheduling.ts';
export { notifySystemd } from './io/sd-notify.ts';
export {
  closeFd,
  duplicateFd,
  isBlocking,
  localAddress,
  openListener,
  peerAddress,
  setBacklog,
  setBlocking,
  setNoDelay,
  setResetOnClose,
  setShortReach,
  shutdownSocket,
  tryOpenTcpSocket,
  waitingToAccept,
} from './io/sockets.ts';
export { openPipe, splice, type Pipe } from './io/splice.ts';
export { TcpSockets } from './io/tcp-sockets.ts';
export { TimerFd } from './io/timerfd.ts';
