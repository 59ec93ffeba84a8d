import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalTarget } from './target.ts'

describe('normalTarget', () => {
  it.each([
    ['/a', '/a'],
    ['/pay%6Dents/%7Ejoe', '/payments/~joe'],
    ['/a%2fb', '/a%2Fb'],
    ['/a#fragment', '/a'],
    ['/a?#', '/a'],
    ['/a?', '/a'],
    ['/a?b=2&a=1', '/a?a=1&b=2'],
    ['/a?b&a=1&', '/a?a=1&b'],
    ['/a?x=2&a=1&x=1', '/a?a=1&x=2&x=1'],
    ['/a?%61=1&b=%e9', '/a?a=1&b=%E9'],
    ['HTTP://Shop.Example:80/Orders', 'http://shop.example/Orders'],
    ['https://shop.example:443?b&a', 'https://shop.example/?a&b'],
    ['https://user:secret@shop.example/', 'https://shop.example/'],
    ['https://[2001:DB8::1]:443/', 'https://[2001:db8::1]/'],
    ['*', '*'],
    ['', ''],
  ])('%s becomes %s', (sent, normal) => {
    expect(normalTarget(sent)).toBe(normal)
  })

  it.each([
    ['a trailing slash', '/a', '/a/'],
    ['a doubled slash', '/a/b', '/a//b'],
    ['letter case', '/a', '/A'],
    ['an escaped slash', '/a/b', '/a%2Fb'],
    ['a percent sign that escapes nothing', '/%EA', '/%e%41'],
    ['an escaped ampersand', '/?a=1%26b=2', '/?a=1&b=2'],
    ['a plus sign and a space', '/?a=+', '/?a=%20'],
    ['order of equal names', '/?a=1&a=2', '/?a=2&a=1'],
    ['another port', 'http://a/', 'http://a:443/'],
    ['the port of the other scheme', 'https://a/', 'https://a:80/'],
    ['another host', 'http://a/', 'http://b/'],
  ])('%s makes another target', (_, a, b) => {
    expect(normalTarget(b)).not.toBe(normalTarget(a))
  })

  it('has nothing left to do the second time', () => {
    const pieces = fc.constantFrom(...'/ // ? & = # : @ + a B %41 %2f http:// :80'.split(' '))
    const sents = fc
      .tuple(fc.constantFrom('/', 'http://A:80/'), fc.string({ unit: pieces }))
      .map((sent) => sent.join(''))

    fc.assert(fc.property(sents, (sent) => normalTarget(normalTarget(sent)) === normalTarget(sent)))
  })
})
