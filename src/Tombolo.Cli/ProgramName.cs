// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Cli;

/// <summary>Under which name the program was started: as <c>ivshmem-server</c> or <c>ivshmem-client</c> (a link) it is a drop-in for the stock programs.</summary>
internal static class ProgramName
{
    /// <summary>The names that stand for a command.</summary>
    public static readonly IReadOnlyList<string> Commands = ["ivshmem-server", "ivshmem-client"];

    /// <summary>The name as it was typed. The runtime resolves links, so it is read from the kernel. Source: proc(5), /proc/self/cmdline.</summary>
    public static string Invoked()
    {
        byte[] line = File.ReadAllBytes("/proc/self/cmdline");
        int end = Array.IndexOf(line, (byte)0);
        return Path.GetFileName(Encoding.UTF8.GetString(line, 0, end < 0 ? line.Length : end));
    }

    /// <summary>Puts the command in front of the arguments where the name stands for one.</summary>
    public static string[] Apply(string name, string[] arguments) => Commands.Contains(name) ? [name, .. arguments] : arguments;
}
