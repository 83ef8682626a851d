export { backendSuite, type SuiteBackend, type SuiteCase } from './backend-suite.ts'
