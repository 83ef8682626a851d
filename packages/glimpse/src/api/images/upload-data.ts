import { uploadImage } from '../../usecases/upload-image.ts'
import type { Answer, Call } from '../route.ts'
import { announcedSize } from './announced-size.ts'

/** `PUT /v2/images/ID/file` */
export async function handleUploadData({ parts, context, params, headers, data }: Call): Promise<Answer> {
  const size = announcedSize(headers)
  const store = headers['x-image-meta-store']
  await uploadImage(parts, context, params['id']!, data, {
    ...(size === undefined ? {} : { size }),
    ...(typeof store === 'string' ? { store } : {}),
  })
  return { status: 204 }
}
