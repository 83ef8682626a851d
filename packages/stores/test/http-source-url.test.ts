import { expect, test } from 'vitest'
import { classifyAddress } from '../src/address-filter.ts'
import { HttpSourceError } from '../src/http-source-error.ts'
import { checkUrl, type SourceFilter } from '../src/http-source-url.ts'
import { openFilter } from './http-source-server.ts'

test.each<[address: string, kind: string | null]>([
  ['8.8.8.8', null],
  ['100.63.255.255', null],
  ['172.32.0.1', null],
  ['2606:4700::1111', null],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['169.254.169.254', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['fec0::1', 'private'],
  ['100.64.0.1', 'shared by a carrier'],
  ['100.127.255.255', 'shared by a carrier'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['0:0:0:0:0:ffff:a9fe:a9fe', 'link-local'],
  ['::ffff:8.8.8.8', null],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:10.0.0.1', 'private'],
  ['64:ff9b::169.254.169.254', 'link-local'],
  ['64:ff9b::8.8.8.8', null],
  ['64:ff9b:1::1', 'private'],
  ['2002:7f00:1::', 'loopback'],
  ['2002:c0a8:1::1', 'private'],
  ['2002:808:808::1', null],
  ['2001:0:808:808::80ff:fffe', 'loopback'],
  ['2001:0:808:808::f7f7:f7f7', null],
  ['2001:4860:4860::8888', null],
  ['rubbish', 'no IP address'],
])('the address %s is %s', (address, kind) => {
  expect(classifyAddress(address)).toBe(kind)
})

function refusal(url: string, filter: Partial<SourceFilter> = {}): [code: string, message: string] | null {
  try {
    checkUrl(url, { ...openFilter, ...filter })
    return null
  } catch (error) {
    if (error instanceof HttpSourceError) return [error.code, error.message]
    throw error
  }
}

test('an accepted URL comes back parsed', () => {
  expect(checkUrl('HTTP://Example.ORG:80/a', openFilter).href).toBe('http://example.org/a')
})

test.each([
  ['http://127.0.0.1/', '127.0.0.1'],
  ['http://2130706433/', '127.0.0.1'],
  ['http://0x7f000001/', '127.0.0.1'],
  ['http://0x7f.1/', '127.0.0.1'],
  ['http://0177.0.0.1/', '127.0.0.1'],
  ['http://127.1/', '127.0.0.1'],
  ['http://127.0.0.1./', '127.0.0.1'],
  ['http://%31%32%37.0.0.1/', '127.0.0.1'],
  ['http://\uFF11\uFF12\uFF17.0.0.1/', '127.0.0.1'],
  ['http://[::1]/', '::1'],
  ['http://[0:0:0:0:0:0:0:1]/', '::1'],
  ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
  ['http://[::127.0.0.1]/', '::7f00:1'],
  ['http://[64:ff9b::127.0.0.1]/', '64:ff9b::7f00:1'],
  ['http://[2002:7f00:1::]/', '2002:7f00:1::'],
  ['http://user:secret@127.0.0.1/?token=secret', '127.0.0.1'],
])('refuses %s, whose address is loopback', (url, address) => {
  const message = `the address ${address} is loopback; only an operator can allow it (import_filtering_opts.allowed_hosts)`
  expect(refusal(url)).toEqual(['refused', message])
})

test.each([
  ['http://127.1/', ['127.0.0.1']],
  ['http://127.0.0.1/', ['127.1']],
  ['http://[::1]/', ['::1']],
  ['http://[::1]/', ['[::1]']],
  ['http://Example.org./', ['example.ORG']],
  ['http://b\u00FCcher.example/', ['xn--bcher-kva.example']],
])('takes %s where the operator allows the host %s', (url, allowedHosts) => {
  expect(refusal(url, { allowedHosts })).toBeNull()
})

const url = 'http://example.org/x'

test.each<[url: string, filter: Partial<SourceFilter>, message: string | null]>([
  [
    url,
    { allowedSchemes: ['https'] },
    'the scheme http is not among those that the operator allows (import_filtering_opts.allowed_schemes: https)',
  ],
  [
    url,
    { allowedSchemes: [], disallowedSchemes: ['http'] },
    'the operator does not allow the scheme http (import_filtering_opts.disallowed_schemes)',
  ],
  [url, { allowedSchemes: ['http'], disallowedSchemes: ['http'] }, null],
  [url, { allowedSchemes: [], disallowedSchemes: ['https'] }, null],
  [
    url,
    { allowedHosts: ['other.org'] },
    'the host example.org is not among those that the operator allows (import_filtering_opts.allowed_hosts)',
  ],
  [
    url,
    { disallowedHosts: ['example.org'] },
    'the operator does not allow the host example.org (import_filtering_opts.disallowed_hosts)',
  ],
  [
    'http://EXAMPLE.org./x',
    { disallowedHosts: ['Example.org'] },
    'the operator does not allow the host example.org (import_filtering_opts.disallowed_hosts)',
  ],
  [url, { allowedHosts: ['example.org'], disallowedHosts: ['example.org'] }, null],
  [
    'http://sub.example.org/',
    { allowedHosts: ['example.org'] },
    'the host sub.example.org is not among those that the operator allows (import_filtering_opts.allowed_hosts)',
  ],
  [
    url,
    { allowedPorts: [443, 8080] },
    'the port 80 is not among those that the operator allows (import_filtering_opts.allowed_ports: 443, 8080)',
  ],
  [
    'https://example.org/',
    { allowedPorts: [80] },
    'the port 443 is not among those that the operator allows (import_filtering_opts.allowed_ports: 80)',
  ],
  [
    'http://example.org:22/',
    { allowedPorts: [80, 443] },
    'the port 22 is not among those that the operator allows (import_filtering_opts.allowed_ports: 80, 443)',
  ],
  [url, { disallowedPorts: [80] }, 'the operator does not allow the port 80 (import_filtering_opts.disallowed_ports)'],
  [url, { allowedPorts: [80], disallowedPorts: [80] }, null],
  ['http://example.org:22/', { disallowedPorts: [25] }, null],
  ['ftp://example.org/x', { allowedSchemes: ['ftp'] }, 'the scheme ftp cannot be read; use http or https'],
  ['file:///x', { allowedSchemes: [] }, 'the scheme file cannot be read; use http or https'],
])('asks the operator about %s with %o', (url, filter, message) => {
  expect(refusal(url, filter)).toEqual(message === null ? null : ['refused', message])
})

test.each([
  ['', ''],
  ['image.qcow2', 'image.qcow2'],
  ['http://', 'http://'],
  ['http://user:secret@/x?token=secret', 'http:///x'],
  ['http://user:secret@h:99999/x#secret', 'http://h:99999/x'],
  ['//user:secret@h/x', '//h/x'],
  ['http://1.2.3.4.5/', 'http://1.2.3.4.5/'],
])('%j is no URL', (text, shown) => {
  expect(refusal(text)).toEqual(['invalid-url', `the source "${shown}" is no URL; write http(s)://HOST/PATH`])
})
