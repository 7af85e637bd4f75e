// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>The demo guest: a kernel and an initial file system, as <c>make guest</c> builds them.</summary>
/// <param name="KernelPath">The kernel.</param>
/// <param name="InitrdPath">The initial file system.</param>
public sealed record GuestImage(string KernelPath, string InitrdPath)
{
    /// <summary>Names the folder to look in first.</summary>
    public const string FolderVariable = "TOMBOLO_GUEST_DIR";

    /// <summary>Looks for the image: in <see cref="FolderVariable"/>, beside the program, in <c>artifacts/guest</c> of the source tree that the program or the user is in, in /usr/share/tombolo/guest.</summary>
    /// <returns>Null where it is in none of them.</returns>
    public static GuestImage? Find() => Folders().Select(In).FirstOrDefault(image => image is not null);

    /// <summary>The image in a folder.</summary>
    /// <param name="folder">A folder.</param>
    /// <returns>Null where kernel or initial file system is missing.</returns>
    public static GuestImage? In(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        string kernel = Path.Combine(folder, "vmlinuz");
        string? initrd = Directory.GetFiles(folder, "initramfs.cpio*").Order(StringComparer.Ordinal).FirstOrDefault();
        return File.Exists(kernel) && initrd is not null ? new(kernel, initrd) : null;
    }

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named)
        {
            yield return named;
            yield break;   // who names a folder wants no other
        }
        yield return Path.Combine(AppContext.BaseDirectory, "guest");
        foreach (string start in new[] { AppContext.BaseDirectory, Environment.CurrentDirectory })
            for (DirectoryInfo? at = new(start); at is not null; at = at.Parent) yield return Path.Combine(at.FullName, "artifacts", "guest");
        yield return "/usr/share/tombolo/guest";
    }
}
