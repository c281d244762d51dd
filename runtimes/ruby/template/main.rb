def main(event, context)
  puts "called as #{context.execution_id}"
  name = event.is_a?(Hash) && event['name'] || 'Taibai'
  { greeting: "Hello, #{name}!" }
end
