// Stands where the device data script would be: the sandbox collects nothing about a device.
