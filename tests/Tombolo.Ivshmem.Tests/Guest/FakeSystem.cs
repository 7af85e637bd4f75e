// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Ivshmem.Tests.Guest;

/// <summary>A folder that looks like /sys and /dev of a guest, as far as they are looked at.</summary>
internal sealed class FakeSystem : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FakeSystem()
    {
        _ = Directory.CreateDirectory(_folder["sys/bus/pci/devices"]);
        _ = Directory.CreateDirectory(_folder["sys/bus/pci/drivers"]);
        _ = Directory.CreateDirectory(_folder["dev"]);
    }

    public GuestParticipantOptions Options => new() { SystemFolder = _folder["sys"], DeviceFolder = _folder["dev"] };

    public void AddPci(string address, string vendor = "0x1af4", string device = "0x1110", string? driver = null, int? group = null)
    {
        string folder = Directory.CreateDirectory(_folder[$"sys/bus/pci/devices/{address}"]).FullName;
        File.WriteAllText(Path.Combine(folder, "vendor"), vendor + "\n");
        File.WriteAllText(Path.Combine(folder, "device"), device + "\n");
        if (driver is not null)
        {
            AddDriver(driver);
            _ = File.CreateSymbolicLink(Path.Combine(folder, "driver"), $"../../../../bus/pci/drivers/{driver}");
        }
        if (group is not null) _ = File.CreateSymbolicLink(Path.Combine(folder, "iommu_group"), $"../../../kernel/iommu_groups/{group}");
    }

    public void AddDriver(string driver) => Directory.CreateDirectory(_folder[$"sys/bus/pci/drivers/{driver}"]);

    public string ReadPci(string address, string file) => File.ReadAllText(_folder[$"sys/bus/pci/devices/{address}/{file}"]);

    public string ReadProbed() => File.ReadAllText(_folder["sys/bus/pci/drivers_probe"]);

    public string AddWindowNode(string address, string name)
    {
        _ = Directory.CreateDirectory(_folder[$"sys/bus/tombolo/devices/window.{address}/misc/{name}"]);
        return _folder[$"dev/{name}"];
    }

    public void Dispose() => _folder.Dispose();
}
