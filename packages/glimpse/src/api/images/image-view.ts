import type { Config } from '../../config/config.ts'
import type { Image } from '../../domain/image.ts'
import { toSeconds } from '../times.ts'

/** An image as JSON: the base attributes under the API's names, and the image's own properties beside them. */
export interface ImageView {
  readonly [attribute: string]: string | number | boolean | null | readonly string[]
}

/** Source: OpenStack Images API v2, "Show image". `stores` is there only where several stores can be. */
export function viewImage(image: Image, { stores: { multi } }: Pick<Config, 'stores'>): ImageView {
  const self = `/v2/images/${image.id}`
  return {
    ...image.properties,
    ...viewImport(image),
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    protected: image.protected,
    os_hidden: image.hidden,
    owner: image.owner,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
    min_disk: image.minDisk,
    min_ram: image.minRam,
    size: image.size,
    virtual_size: image.virtualSize,
    checksum: image.checksum,
    os_hash_algo: image.hashAlgo,
    os_hash_value: image.hashValue,
    tags: image.tags,
    created_at: toSeconds(image.createdAt),
    updated_at: toSeconds(image.updatedAt),
    self,
    file: `${self}/file`,
    schema: '/v2/schemas/image',
    ...(multi && image.locations.length > 0 ? { stores: image.locations.map(({ store }) => store).join(',') } : {}),
  }
}

/** How an import goes on, for those who poll the image: while one runs, and as long as a failure is not made good. */
function viewImport({ importTask, importingStores, failedStores }: Image): ImageView {
  if (importTask === null && importingStores.length === 0 && failedStores.length === 0) return {}
  return {
    ...(importTask === null ? {} : { os_glance_import_task: importTask }),
    os_glance_importing_to_stores: importingStores.join(','),
    os_glance_failed_import: failedStores.join(','),
  }
}
