import { type TSchema, Type } from 'typebox'

/** A page of a list: its entries under the list's name, and its links. */
export function collectionSchema(name: string, entry: TSchema): TSchema {
  const link = Type.Optional(Type.String())
  return Type.Object(
    { [name]: Type.Optional(Type.Array(entry)), first: link, next: link, schema: link },
    {
      name,
      links: [
        { rel: 'first', href: '{first}' },
        { rel: 'next', href: '{next}' },
        { rel: 'describedby', href: '{schema}' },
      ],
    },
  )
}
