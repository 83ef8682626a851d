interface MediaRange {
  readonly type: string
  readonly quality: number
}

/**
 * Which of the offered media types an `Accept` header likes best; between equals the one offered first.
 *
 * Source: RFC 9110 section 12.5.1: the most specific range that fits a type says its quality.
 *
 * @returns undefined when there is no header or it takes none of them.
 */
export function acceptedType(header: string | undefined, offers: readonly string[]): string | undefined {
  const ranges = (header ?? '').split(',').flatMap(parseMediaRange)
  let best: MediaRange | undefined
  for (const type of offers) {
    const quality = qualityOf(type, ranges)
    if (quality > (best?.quality ?? 0)) best = { type, quality }
  }
  return best?.type
}

function parseMediaRange(text: string): MediaRange[] {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  if (type === '') return []
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  const quality = weight === undefined ? 1 : Number(weight.slice(2))
  return [{ type, quality: quality >= 0 && quality <= 1 ? quality : 0 }]
}

function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find((range) => range.type === pattern)
    if (range) return range.quality
  }
  return 0
}
