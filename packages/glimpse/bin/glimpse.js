#!/usr/bin/env node
// Old syntax on purpose: this file must be able to say that Node is too old.
var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    'glimpse needs Node 24 or newer, and this is ' + process.version + '. Start it with npx glimpse, or npm start.',
  )
  process.exit(1)
}
void import('../dist/main.js')
