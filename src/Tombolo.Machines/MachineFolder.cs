// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>Where a machine keeps its files; one folder for each machine.</summary>
/// <param name="Path">The folder; absolute.</param>
public sealed record MachineFolder(string Path)
{
    /// <summary>The pid file that QEMU writes and keeps locked.</summary>
    public string PidFile => In("qemu.pid");
    /// <summary>What we know of the running process: see <see cref="MachineRecord"/>.</summary>
    public string RecordFile => In("machine.json");
    /// <summary>What QEMU itself says: its standard output and error.</summary>
    public string QemuLog => In("qemu.log");
    /// <summary>What the guest wrote to its serial console, of every start.</summary>
    public string ConsoleLog => In("console.log");
    /// <summary>The serial console; one client at a time, served by QEMU.</summary>
    public string ConsoleSocket => In("console.sock");
    /// <summary>QEMU's control socket; one client at a time.</summary>
    public string QmpSocket => In("qmp.sock");
    /// <summary>The script that the guest runs.</summary>
    public string RunScript => In("run.sh");

    /// <summary>The longest of the socket paths, which are the first to break a limit.</summary>
    public string LongestSocket => ConsoleSocket;

    /// <summary>Removes what only a running machine needs; its logs stay.</summary>
    internal void Tidy()
    {
        if (!Directory.Exists(Path)) return;
        foreach (string file in new[] { PidFile, RecordFile, ConsoleSocket, QmpSocket, RunScript }) File.Delete(file);
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
