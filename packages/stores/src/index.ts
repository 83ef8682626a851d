export type { KeptPart, OpenResumable, ResumableSource, WriteOptions, WriteResult } from './blob-write.ts'
export type { BlobPart, BlobWriter, ByteRange, Driver, PartWriter, SweepOptions } from './driver.ts'
export {
  classifyError,
  StoreError,
  type StoreErrorCode,
  type StoreErrorDetails,
  storeErrorTable,
} from './errors.ts'
export { FileDriver } from './file-driver.ts'
export { closeHashing, HashPool, type HashPoolOptions } from './hashing/hash-pool.ts'
export type { RingShape } from './hashing/ring.ts'
export { type HttpSource, type HttpSourceOptions, openHttpSource, type ResumePoint } from './http-source.ts'
export { HttpSourceError, type HttpSourceErrorCode } from './http-source-error.ts'
export { checkUrl, type SourceFilter } from './http-source-url.ts'
export { isKey } from './key.ts'
export { MemoryDriver } from './memory-driver.ts'
export type { OpenBlob } from './open-blob.ts'
export { type CopyOptions, Store, type StoreOptions } from './store.ts'
