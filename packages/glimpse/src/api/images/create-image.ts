import { refuseFixedName } from '../../domain/fixed-names.ts'
import type { Json } from '../../domain/task.ts'
import { createImage, type ImageDraft } from '../../usecases/create-image.ts'
import { isSettable, settableAttributes } from '../../usecases/image-attributes.ts'
import type { Answer, Call } from '../route.ts'
import { viewImage } from './image-view.ts'

type Body = Readonly<Record<string, Json>>

/** `POST /v2/images` */
export async function handleCreateImage({ parts, context, body, baseUrl }: Call): Promise<Answer> {
  const { config, stores } = parts
  const image = await createImage(parts, context, draftOf(body as Body))
  const { methods } = config.import
  return {
    status: 201,
    headers: {
      location: `${baseUrl}/v2/images/${image.id}`,
      ...(methods.length > 0 ? { 'OpenStack-image-import-methods': methods.join(',') } : {}),
      ...(config.stores.multi ? { 'OpenStack-image-store-ids': [...stores.all.keys()].join(',') } : {}),
    },
    body: viewImage(image, config),
  }
}

/** What a schema has nothing against, since it is in every image that clients read, and may not be written. */
export function refuseLinks(body: object): void {
  for (const name of ['direct_url', 'self', 'file', 'schema', 'stores']) {
    if (Object.hasOwn(body, name)) refuseFixedName(name)
  }
}

function draftOf({ id, tags, ...rest }: Body): ImageDraft {
  const properties: [string, string][] = []
  const attributes: [string, Json][] = []
  for (const [name, value] of Object.entries(rest)) {
    if (isSettable(name)) attributes.push([settableAttributes[name], value])
    else properties.push([name, value as string])
  }
  return {
    ...(id === undefined ? {} : { id: id as string }),
    ...(tags === undefined ? {} : { tags: tags as readonly string[] }),
    ...(Object.fromEntries(attributes) as ImageDraft),
    properties: Object.fromEntries(properties),
  }
}
