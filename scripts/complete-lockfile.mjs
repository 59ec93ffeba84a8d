// Adds to package-lock.json the builds for other platforms that npm left out.
//
// Biome and oxlint bring one optional package per platform. A registry mirror that lacks some of them makes npm write a
// lockfile without them, and `npm ci` then calls that lockfile out of step. Run this after upgrading either tool behind
// such a mirror: `node scripts/complete-lockfile.mjs`. npm adds the checksums when it can first reach the packages.
import { readFileSync, writeFileSync } from 'node:fs'

const OS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const CPU = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']
const LIBC = { musl: 'musl', musleabihf: 'musl', gnu: 'glibc', gnueabihf: 'glibc' }

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = {}

for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`
    if (place in lock.packages || `${path}/${place}` in lock.packages) continue
    const words = name.split(/[-/]/)
    const cpu = words.filter((word) => CPU.includes(word))
    const os = words.filter((word) => OS.includes(word))
    const libc = os.includes('linux') ? words.flatMap((word) => LIBC[word] ?? []) : []
    added[place] = { version, cpu, ...(dev && { dev }), ...(libc.length > 0 && { libc }), optional: true, os }
  }
}

const packages = Object.entries({ ...lock.packages, ...added })
lock.packages = Object.fromEntries(packages.sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`added ${Object.keys(added).length}`)
