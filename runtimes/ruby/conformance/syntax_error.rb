def main(event, context
  nil
end
