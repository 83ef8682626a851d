import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { RecordedCase } from './spec.ts'

/** Reads recorded cases, one JSON object a line, gzipped or not. */
export function* readCases(file: string): Generator<RecordedCase> {
  const bytes = readFileSync(file)
  const text = (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString()
  for (const line of text.split('\n')) if (line.trim() !== '') yield JSON.parse(line) as RecordedCase
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}
