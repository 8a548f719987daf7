// Sends COUNT calls with @rudderstack/rudder-sdk-node: node rudder_node.cjs URL WRITE_KEY COUNT
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')

const [host, writeKey, count] = process.argv.slice(2)

async function main() {
  const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: host, flushAt: 20, logLevel: 'error' })
  const answers = []
  const call = (name, message) => answers.push(new Promise((resolve, reject) => {
    analytics[name](message, (error) => (error ? reject(error) : resolve()))
  }))
  for (let n = 0; n < Number(count); n++) {
    const userId = `user-${n % 7}`
    switch (n % 10) {
      case 0: call('identify', { userId, traits: { n } }); break
      case 1: call('page', { userId, category: 'docs', name: 'intro', properties: { n } }); break
      case 2: call('screen', { userId, category: 'docs', name: 'intro', properties: { n } }); break
      case 3: call('group', { userId, groupId: 'group-1', traits: { n } }); break
      case 4: call('alias', { userId, previousId: `anonymous-${n}` }); break
      default: call('track', { userId, event: 'Lesson Started', properties: { n, title: 'Überblick 🙂' } })
    }
  }
  await analytics.flush()
  await Promise.all(answers)
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
