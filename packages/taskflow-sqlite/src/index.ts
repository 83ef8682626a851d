export { schemaVersion } from './migrations.ts'
export { jobStatement, type SqliteJobboard } from './sqlite-jobboard.ts'
export { SqliteStore, type SqliteStoreOptions, type StoreStatistics } from './sqlite-store.ts'
