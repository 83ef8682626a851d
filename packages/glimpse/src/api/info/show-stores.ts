import { ServiceError } from '../../domain/errors.ts'
import type { Answer, Call } from '../route.ts'

/** `GET /v2/info/stores`. That a store is the default one is said by the string `true`, as the API has it. */
export function handleShowStores({ parts: { config, stores } }: Call): Answer {
  if (!config.stores.multi) {
    throw new ServiceError('not-found', { reason: 'Multi backend is not supported at this site.' })
  }
  const views = [...stores.all.values()].map(({ id, description }) => ({
    id,
    ...(description ? { description } : {}),
    ...(id === stores.default.id ? { default: 'true' } : {}),
  }))
  return { status: 200, body: { stores: views } }
}
