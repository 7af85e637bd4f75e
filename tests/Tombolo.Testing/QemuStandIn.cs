// SPDX-License-Identifier: MIT
namespace Tombolo.Testing;

/// <summary>A shell script that plays QEMU: it does what its last argument says, with <c>$LOG</c> the console's log and <c>$DIR</c> the machine's folder.</summary>
public static class QemuStandIn
{
    /// <summary>What a machine that comes up and stays does.</summary>
    public const string Ready = "echo TOMBOLO-READY vm0 >>$LOG; exec sleep 600";

    private const string Script =
        """
        #!/bin/sh
        for last; do
          case $last in socket,id=tombolo-console*) LOG=${last##*logfile=}; LOG=${LOG%%,*};; esac
        done
        DIR=$(dirname "$LOG")
        eval "$last"
        """;

    /// <summary>Writes the script.</summary>
    /// <returns>Its path.</returns>
    public static string Write(TemporaryFolder folder)
    {
        string path = folder["qemu-stand-in"];
        File.WriteAllText(path, Script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
