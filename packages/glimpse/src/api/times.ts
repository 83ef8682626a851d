/** An ISO 8601 time with milliseconds, as views show it: to the second. `2026-11-23T13:06:43Z` */
export function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}

/** As the tasks of an image show it: microseconds, and no zone. `2026-11-23T13:06:43.929000` */
export function toMicroseconds(time: string): string {
  return time.replace(/\.(\d+)Z$/, (_, fraction: string) => `.${fraction.padEnd(6, '0')}`)
}
