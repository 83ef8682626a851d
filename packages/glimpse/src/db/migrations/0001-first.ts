import type { Migration } from './migration.ts'

const images = `
create table images (
  id text primary key not null,
  name text,
  status text not null,
  visibility text not null,
  protected integer not null,
  hidden integer not null,
  owner text,
  container_format text,
  disk_format text,
  min_disk integer not null,
  min_ram integer not null,
  size integer,
  virtual_size integer,
  checksum text,
  hash_algo text,
  hash_value text,
  staged text,
  import_task text,
  importing_stores text not null,
  failed_stores text not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text
) strict, without rowid`

/**
 * What a listing sorts by, or filters by in practice. Each index ends with the tie-breakers of every listing, so it
 * serves a sort by its first column in both directions, and a filter on it sorted by age.
 */
const listed = [
  'updated_at',
  'name',
  'size',
  'status',
  'container_format',
  'disk_format',
  'owner',
  'visibility',
] as const

const imageIndexes = [
  'create index images_by_created_at on images (created_at, id) where deleted_at is null',
  ...listed.map(
    (column) => `create index images_by_${column} on images (${column}, created_at, id) where deleted_at is null`,
  ),
  'create index images_by_checksum on images (checksum) where checksum is not null',
  'create index images_by_hash_value on images (hash_value) where hash_value is not null',
  'create index images_by_import_task on images (import_task) where import_task is not null',
]

const imageParts = [
  `create table image_properties (
    image_id text not null references images (id),
    name text not null,
    value text not null,
    primary key (image_id, name)
  ) strict, without rowid`,
  'create index image_properties_by_value on image_properties (name, value)',
  `create table image_tags (
    image_id text not null references images (id),
    tag text not null,
    primary key (image_id, tag)
  ) strict, without rowid`,
  'create index image_tags_by_tag on image_tags (tag)',
  `create table image_locations (
    seq integer primary key not null,
    image_id text not null references images (id),
    store text not null,
    url text not null,
    unique (image_id, store)
  ) strict`,
]

const tasks = [
  `create table tasks (
    id text primary key not null,
    type text not null,
    status text not null,
    owner text,
    input text not null,
    result text,
    message text not null,
    image_id text,
    request_id text,
    user_id text,
    expires_at text,
    created_at text not null,
    updated_at text not null
  ) strict, without rowid`,
  'create index tasks_by_created_at on tasks (created_at, id)',
  'create index tasks_by_updated_at on tasks (updated_at, created_at, id)',
  'create index tasks_by_expires_at on tasks (expires_at, created_at, id)',
  'create index tasks_by_status on tasks (status, created_at, id)',
  'create index tasks_by_type on tasks (type, created_at, id)',
  'create index tasks_by_owner on tasks (owner, created_at, id)',
  'create index tasks_by_image on tasks (image_id, created_at, id)',
]

export const first: Migration = { id: '0001-first', statements: [images, ...imageIndexes, ...imageParts, ...tasks] }
