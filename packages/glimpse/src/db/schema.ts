import type { Generated } from 'kysely'
import type { ImageStatus, Visibility } from '../domain/image.ts'
import type { TaskStatus, TaskType } from '../domain/task.ts'

/** SQLite has no booleans. */
type Flag = 0 | 1

/** Times are ISO 8601 in UTC with milliseconds, so that their order as text is their order in time. */
export interface ImageTable {
  id: string
  name: string | null
  status: ImageStatus
  visibility: Visibility
  protected: Flag
  hidden: Flag
  owner: string | null
  container_format: string | null
  disk_format: string | null
  min_disk: number
  min_ram: number
  size: number | null
  virtual_size: number | null
  checksum: string | null
  hash_algo: string | null
  hash_value: string | null
  /** JSON of a DataFacts. */
  staged: string | null
  import_task: string | null
  /** JSON array of store ids. */
  importing_stores: string
  /** JSON array of store ids. */
  failed_stores: string
  created_at: string
  updated_at: string
  /** Set for good when the image is removed: the row stays, so that its id is never given out again. */
  deleted_at: string | null
}

interface ImagePropertyTable {
  image_id: string
  name: string
  value: string
}

interface ImageTagTable {
  image_id: string
  tag: string
}

interface ImageLocationTable {
  /** Grows: the order of adding. */
  seq: Generated<number>
  image_id: string
  store: string
  url: string
}

export interface TaskTable {
  id: string
  type: TaskType
  status: TaskStatus
  owner: string | null
  /** JSON object. */
  input: string
  /** JSON object. */
  result: string | null
  message: string
  image_id: string | null
  request_id: string | null
  user_id: string | null
  expires_at: string | null
  created_at: string
  updated_at: string
}

interface MigrationTable {
  id: string
  applied_at: string
}

export interface Schema {
  images: ImageTable
  image_properties: ImagePropertyTable
  image_tags: ImageTagTable
  image_locations: ImageLocationTable
  tasks: TaskTable
  schema_migrations: MigrationTable
}
