import type { Image } from '../../domain/image.ts'
import { type ByteRange, readImage } from '../../usecases/read-image.ts'
import { requestedRange } from '../byte-range.ts'
import type { Answer, Call } from '../route.ts'

/** `GET /v2/images/ID/file`. `Content-MD5` is the hex md5 of all the data, whatever part of it goes out. */
export async function handleDownloadData({ parts, context, params, headers }: Call): Promise<Answer> {
  const rangeFor = (size: number): ByteRange | null => requestedRange(headers, size)
  const { image, body, size, range } = await readImage(parts, context, params['id']!, rangeFor)
  if (!body) return { status: 204 }
  return { status: range ? 206 : 200, headers: headersOf(image, size, range), data: body }
}

function headersOf({ checksum }: Image, size: number, range: ByteRange | null): Record<string, string | number> {
  const { start, end } = range ?? { start: 0, end: size }
  return {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(checksum === null ? {} : { 'content-md5': checksum }),
    ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${size}` } : {}),
  }
}
