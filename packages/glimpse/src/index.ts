export { type App, createApp } from './app.ts'
export type { Config } from './config/config.ts'
export { type LoadedConfig, type LoadRequest, loadConfig } from './config/load.ts'
