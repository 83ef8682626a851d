export { type Fault, type FaultyCall, FaultyDriver } from './faulty-driver.ts'
export { type SuiteCase, type SuiteDriver, storeSuite } from './store-suite.ts'
