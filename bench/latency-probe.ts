/** Asks for one URL again and again until its input ends; then prints how long the answers took, in milliseconds. */
import { Agent, get } from 'node:http'

const url = process.argv[2]!
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const taken: number[] = []
const ended = new AbortController()
process.stdin.once('end', () => ended.abort()).resume()

while (!ended.signal.aborted) {
  const began = performance.now()
  await new Promise<void>((resolve, reject) => {
    const request = get(url, { agent }, (response) => response.resume().once('end', resolve))
    request.once('error', reject)
  })
  taken.push(performance.now() - began)
  await new Promise((resolve) => setTimeout(resolve, 2))
}
agent.destroy()

const sorted = taken.toSorted((a, b) => a - b)
const at = (part: number): number =>
  Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1))
console.log(JSON.stringify({ requests: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }))
