"""CMP Studio: puppeteer a still photo. The desktop application and its command line."""
