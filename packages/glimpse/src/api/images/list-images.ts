import { asQuestion, pageLimit, pageLinks } from '../paging.ts'
import type { Answer, Call } from '../route.ts'
import { filtersOf } from './filters.ts'
import { viewImage } from './image-view.ts'
import { sortOf } from './sorting.ts'

/** `GET /v2/images` */
export async function handleListImages({ parts: { config, images }, context, query }: Call): Promise<Answer> {
  const limit = pageLimit(query, config.limits)
  const marker = query.get('marker')
  const page = await asQuestion(
    images.list({
      filters: filtersOf(query, context),
      sort: sortOf(query),
      limit,
      ...(marker === null ? {} : { marker }),
    }),
  )
  const ids = page.map(({ id }) => id)
  const views = page.map((image) => viewImage(image, config))
  return { status: 200, body: { images: views, ...pageLinks('/v2/images', query, ids, limit) } }
}
