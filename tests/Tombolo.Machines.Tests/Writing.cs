// SPDX-License-Identifier: MIT

namespace Tombolo.Machines.Tests;

internal static class Writing
{
    /// <summary>Writes a file into a temporary folder.</summary>
    public static string Write(this TemporaryFolder folder, string name, string text, bool executable = false)
    {
        File.WriteAllText(folder[name], text);
        if (executable) File.SetUnixFileMode(folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return folder[name];
    }
}
