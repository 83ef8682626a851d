import type { Config } from '../../config/config.ts'
import { patchImage } from '../../usecases/patch-image.ts'
import { mediaType } from '../media-type.ts'
import type { Answer, Call } from '../route.ts'
import { type Check, compileCheck } from '../schema-check.ts'
import { namedImageSchema } from '../schemas/image-schema.ts'
import { viewImage } from './image-view.ts'
import { parsePatch } from './patch-document.ts'

/** `PATCH /v2/images/ID` */
export async function handlePatchImage({ parts, context, params, headers, body }: Call): Promise<Answer> {
  const operations = parsePatch(body, mediaType(headers), imageCheck(parts.config))
  return { status: 200, body: viewImage(await patchImage(parts, context, params['id']!, operations), parts.config) }
}

const checks = new WeakMap<Config, Check>()

/** Compiling a schema takes longer than the rest of a patch, so it is done once. */
function imageCheck(config: Config): Check {
  const known = checks.get(config)
  if (known) return known
  const check = compileCheck(namedImageSchema(config))
  checks.set(config, check)
  return check
}
