import type { Answer, Call } from '../route.ts'

/** `GET /v2/info/import` */
export function handleShowImportMethods({ parts: { config } }: Call): Answer {
  const methods = { description: 'The import methods of this service.', type: 'array', value: config.import.methods }
  return { status: 200, body: { 'import-methods': methods } }
}
