import { deleteImage } from '../../usecases/delete-image.ts'
import type { Answer, Call } from '../route.ts'

/** `DELETE /v2/images/ID` */
export async function handleDeleteImage({ parts, context, params }: Call): Promise<Answer> {
  await deleteImage(parts, context, params['id']!)
  return { status: 204 }
}
