import { BlockList, isIP, isIPv4 } from 'node:net'

/** Addresses that are not a public host's. Source: the IANA special-purpose address registries, RFC 6890. */
const subnets: Readonly<Record<string, readonly string[]>> = {
  unspecified: ['0.0.0.0/8', '::/128'],
  loopback: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10', '64:ff9b:1::/48'],
  'shared by a carrier': ['100.64.0.0/10'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  reserved: ['192.0.0.0/24', '198.18.0.0/15', '240.0.0.0/4', '100::/64'],
}

const lists = Object.entries(subnets).map(([kind, nets]) => ({ kind, list: toBlockList(nets) }))

function toBlockList(nets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const net of nets) {
    const [address = '', bits] = net.split('/')
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return list
}

/**
 * What keeps an address from being a public host's, as an adjective; null for a public one. An IPv6 address that carries
 * an IPv4 one (mapped, compatible, translated, NAT64, 6to4, Teredo) is also what that one is.
 *
 * @example classifyAddress('::ffff:127.0.0.1') // 'loopback'
 */
export function classifyAddress(address: string): string | null {
  const plain = address.replace(/%.*$/, '')
  const family = isIP(plain)
  if (family === 0) return 'no IP address'
  const own = findKind(plain, family === 4 ? 'ipv4' : 'ipv6')
  if (own !== null || family === 4) return own
  const carried = readCarried(expand(plain))
  return carried === null ? null : findKind(carried, 'ipv4')
}

function findKind(address: string, family: 'ipv4' | 'ipv6'): string | null {
  return lists.find(({ list }) => list.check(address, family))?.kind ?? null
}

/** The IPv4 address within eight groups. Source: RFC 4291 2.5.5, 6052, 7915, 3056, 4380. */
function readCarried(groups: readonly number[]): string | null {
  const start = groups.slice(0, 6).map((group) => group.toString(16))
  const [high, low] = groups.slice(6)
  const prefix = start.join(':')
  if (['0:0:0:0:0:ffff', '0:0:0:0:0:0', '0:0:0:0:ffff:0', '64:ff9b:0:0:0:0'].includes(prefix))
    return toDotted(high, low)
  if (groups[0] === 0x2002) return toDotted(groups[1], groups[2])
  if (prefix.startsWith('2001:0:')) return toDotted(~(high ?? 0) & 0xffff, ~(low ?? 0) & 0xffff)
  return null
}

function toDotted(high = 0, low = 0): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** The eight groups of an IPv6 address; the URL parser turns its dotted end, if any, into groups. */
function expand(address: string): number[] {
  const hex = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [before = '', after] = hex.split('::').map((side) => (side === '' ? [] : side.split(':')))
  const [head, tail] = [before === '' ? [] : before, after ?? []]
  const gap = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...gap, ...tail].map((group) => Number.parseInt(group, 16))
}
