export { type TracingListener, type TracingOptions, tracingListener } from './tracing.ts'
