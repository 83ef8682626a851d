export { backendSuite, type SuiteBackend, type SuiteCase } from './backend-suite.ts'
export { jobboardSuite, type SuiteJobboard } from './jobboard-suite.ts'
