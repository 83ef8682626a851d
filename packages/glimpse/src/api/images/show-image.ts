import { requireImage } from '../../usecases/finding.ts'
import type { Answer, Call } from '../route.ts'
import { viewImage } from './image-view.ts'

/** `GET /v2/images/ID` */
export async function handleShowImage({ parts: { config, images }, params }: Call): Promise<Answer> {
  return { status: 200, body: viewImage(await requireImage(images, params['id']!), config) }
}
